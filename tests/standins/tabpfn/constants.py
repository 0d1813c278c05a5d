"""As in the package."""


class ModelVersion:
    V2 = "v2"
