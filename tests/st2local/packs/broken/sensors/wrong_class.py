"""Another class."""


class Another:
    pass
