"""python -m keyledger.demo"""

from keyledger.demo.run import main

main()
