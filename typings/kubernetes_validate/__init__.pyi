from collections.abc import Mapping
from typing import Any

def validate(data: Mapping[str, Any], desired_version: str, strict: bool = ...) -> str: ...
