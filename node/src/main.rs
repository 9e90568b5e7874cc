//! The program `dalil`: see `dalil --help`.

fn main() -> std::process::ExitCode {
    dalil_node::cli::main()
}
