"""What the runner of the suite and its plugin, which live in different environments, agree on."""

PLUGIN = "suite_plugin"

#: The variable that names the folder ``hyperopt/tests`` of the installed wheel.
FOLDER = "COMPAT_HYPEROPT_TESTS"
