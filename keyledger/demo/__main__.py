"""python -m keyledger.demo"""

from keyledger.demo.story import main

main()
