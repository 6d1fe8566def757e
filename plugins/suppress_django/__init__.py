"""The plugin for Django: settings in Django's own, a system check, a command and a validator."""
