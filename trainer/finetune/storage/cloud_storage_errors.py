"""Cloud Storage's errors in one line that an operator can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from google.api_core.exceptions import (
    Forbidden,
    GoogleAPIError,
    NotFound,
    RetryError,
    Unauthorized,
)
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud.storage.exceptions import DataCorruption

from finetune.storage.storage import StorageFailure

# The smallest predefined role for each thing that is tried
# (https://cloud.google.com/storage/docs/access-control/iam-roles).
_ROLES = {
    "list": "roles/storage.objectViewer",
    "read": "roles/storage.objectViewer",
    "create": "roles/storage.objectCreator and roles/storage.objectViewer",
    "write": "roles/storage.objectUser",
    "delete": "roles/storage.objectUser",
}


@contextmanager
def explained(uri: str, tried: str) -> Iterator[None]:
    """
    Turns what the client raises into a StorageFailure that names the bucket, what was tried and,
    where a permission is missing, the role that has it.

    `tried` is list, read, create (without overwriting), write (over what is there) or delete.
    """
    bucket = uri.removeprefix("gs://").partition("/")[0]
    try:
        yield
    except (Forbidden, Unauthorized) as error:
        raise StorageFailure(
            f"may not {tried} {uri}: give this job's service account {_ROLES[tried]} on the bucket "
            f"{bucket} (Cloud Storage answered {_reason(error)})"
        ) from error
    except NotFound as error:
        raise StorageFailure(
            f"could not {tried} {uri}: the bucket {bucket}, or a file that was there a moment ago, "
            f"does not exist (Cloud Storage answered {_reason(error)})"
        ) from error
    except DefaultCredentialsError as error:
        raise StorageFailure(
            f"could not {tried} {uri}: there are no Google Cloud credentials here. On Cloud Run "
            "they are the job's service account; elsewhere run: gcloud auth application-default "
            "login"
        ) from error
    except DataCorruption as error:
        raise StorageFailure(
            f"could not {tried} {uri}: bytes arrived that do not match their CRC-32C; start again"
        ) from error
    except (GoogleAPIError, GoogleAuthError, requests.RequestException) as error:
        cause = error.cause if isinstance(error, RetryError) else error
        raise StorageFailure(
            f"could not {tried} {uri}, also after retries; start again later ({_reason(cause)})"
        ) from error


def _reason(error: BaseException | None) -> str:
    code = getattr(error, "code", "")
    message = getattr(error, "message", None) or str(error)
    # One line: the client puts the request's whole address before the server's own words.
    return " ".join(f"{int(code) if code else type(error).__name__} {message}".split())[-300:]
