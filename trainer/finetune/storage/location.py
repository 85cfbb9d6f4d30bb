"""From a location in the settings to its storage."""

from pathlib import Path

from finetune.storage.folder import Folder
from finetune.storage.storage import Storage


def storage_at(uri: str, project: str | None = None) -> Storage:
    """
    The storage at `gs://BUCKET/PREFIX` or at a path.

    The Google client is imported only where it is needed: it takes a second. It honours
    STORAGE_EMULATOR_HOST.

    Raises:
        StorageFailure: there are no credentials for Google Cloud.
    """
    if uri.startswith("gs://"):
        from finetune.storage.cloud_storage import CloudStorage

        return CloudStorage.at(uri, project)
    return Folder(Path(uri))
