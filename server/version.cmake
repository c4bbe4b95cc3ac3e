# Writes OUTPUT from TEMPLATE with what git says of SOURCE_DIR; empty values outside a repository.
find_package(Git QUIET)

function(ask_git variable)
  set(answer "")
  if(Git_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} ${ARGN} WORKING_DIRECTORY ${SOURCE_DIR}
                    OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

ask_git(REVISION rev-parse HEAD)
ask_git(BRANCH rev-parse --abbrev-ref HEAD)
# The commit's date, not the clock's: the same source gives the same binary.
ask_git(COMMIT_DATE show -s --format=%cd --date=format:%Y%m%d-%H:%M:%S HEAD)
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
