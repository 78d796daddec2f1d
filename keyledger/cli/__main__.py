"""python -m keyledger.cli"""

from keyledger.cli import main

main()
