//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    amana::cli::run(std::env::args_os())
}
