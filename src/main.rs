//! The command-line tool: parse, call, exit code.

fn main() -> std::process::ExitCode {
    dhtsim::cli::main()
}
