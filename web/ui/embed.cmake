# Writes the file PAGE as C++ source to OUTPUT: cmake -D PAGE=... -D OUTPUT=... -P embed.cmake
# A raw string literal may hold any text but its own end mark.
file(READ "${PAGE}" text)
if(text MATCHES "\\)embedded_page\"")
  message(FATAL_ERROR "${PAGE} contains the end mark of the literal")
endif()
file(WRITE "${OUTPUT}" "#include \"web/ui/page_source.h\"

namespace barograph::web {

std::string_view PageSource() {
  static constexpr std::string_view kSource = R\"embedded_page(${text})embedded_page\";
  return kSource;
}

}  // namespace barograph::web
")
