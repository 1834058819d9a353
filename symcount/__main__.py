from symcount.cli.commands import main

if __name__ == "__main__":
    main()
