#include "server/cli/cli.h"

int main(int argc, char** argv) { return barograph::server::cli::Main({argv + 1, argv + argc}); }
