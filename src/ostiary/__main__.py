"""`python -m ostiary`: the same as `ostiary`."""

from ostiary.cli.main import run

if __name__ == "__main__":
    run()
