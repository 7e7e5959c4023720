"""What a user can set, once, for both faces: the table of options and the grammar of their values.

Knows neither pytest nor argparse. It imports only the standard library until a value is parsed,
because `pytest_ato.plugin` reads the table at the start of every pytest run on the machine.
"""
