import { WRITE_CHECK } from "./image-build";

/** What is known about a build that did not end well. */
export interface BuildEnd {
  /** Cloud Build's status, e.g. `FAILURE`; undefined if no build started. */
  readonly status?: string | undefined;

  /** Cloud Build's own words on it. */
  readonly detail?: string | undefined;

  /** `failureInfo.type`, e.g. `PUSH_NOT_AUTHORIZED`. */
  readonly failureType?: string | undefined;

  /** Id of the first step that failed. */
  readonly failedStep?: string | undefined;

  /** The latest lines of the log. */
  readonly log: readonly string[];
}

/** What failed, and what to do about it. */
export interface Failure {
  readonly what: string;
  readonly remedy: string;
}

const SETTINGS = "in cdktf.json";

/**
 * Classifies a failed build. What Cloud Build says in fields counts more than
 * the words of the log.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rest/v1/projects.builds#failuretype
 */
export function buildFailure(end: BuildEnd): Failure {
  const { status, failureType, failedStep, detail = "" } = end;
  const said = [detail, ...end.log].join("\n");

  if (status === "CANCELLED") {
    return { what: "somebody cancelled the build", remedy: "deploy again" };
  }
  if (status === "TIMEOUT") {
    return {
      what: "the build passed its time limit",
      remedy: `raise build.timeoutSeconds ${SETTINGS}, or take a bigger build.machineType`,
    };
  }
  if (status === "EXPIRED") {
    return {
      what: "the build waited in the queue for too long",
      remedy:
        "see whether other builds fill the project's quota of concurrent builds, and deploy again",
    };
  }
  if (
    failureType === "FETCH_SOURCE_FAILED" ||
    /could not resolve source|error fetching storage source/i.test(said)
  ) {
    return {
      what: "the build account cannot read the source",
      remedy:
        "its grant may still be on its way (minutes): deploy again; if it fails again, give it roles/storage.objectViewer on the source bucket",
    };
  }
  if (
    failedStep === WRITE_CHECK ||
    failureType?.startsWith("PUSH_") ||
    /uploadArtifacts' denied|retry budget exhausted|failed to push/i.test(said)
  ) {
    return {
      what: "the push of the image was denied",
      remedy:
        "the build account's grant may still be on its way (minutes): deploy again; if it fails again, give it roles/artifactregistry.writer on the repository",
    };
  }
  if (/no space left on device/i.test(said)) {
    return {
      what: "the build's disk is full",
      remedy: `raise build.diskSizeGb ${SETTINGS}`,
    };
  }
  if (/toomanyrequests|pull rate limit/i.test(said)) {
    return {
      what: "the registry of the base image allows no more pulls for now",
      remedy: "deploy again later, or use a mirror of the base image",
    };
  }
  if (
    /manifest unknown|pull access denied|failed to resolve source metadata/i.test(
      said,
    )
  ) {
    return {
      what: "the base image was not found",
      remedy: `mend the FROM line of the Dockerfile, or, where it is vLLM's variant for a CUDA version, set serving.cuda to the other ${SETTINGS}`,
    };
  }
  if (/due to quota restrictions|quota available|quota exceeded/i.test(said)) {
    return {
      what: "Cloud Build's quota does not allow this build",
      remedy: `take a smaller build.machineType or another build.location ${SETTINGS}, or ask for quota: https://cloud.google.com/build/quotas`,
    };
  }
  if (/act as service account|actAs/i.test(said)) {
    return {
      what: "you may not start builds as the build account",
      remedy: "have roles/iam.serviceAccountUser on it granted to you",
    };
  }
  if (failureType === "LOGGING_FAILURE" || status === "INTERNAL_ERROR") {
    return {
      what: `Cloud Build itself failed${detail === "" ? "" : ` (${detail})`}`,
      remedy: "deploy again",
    };
  }
  // The kernel's SIGKILL, by which a machine ends what needs more memory than there is.
  if (/(non-zero status|exit code): 137\b/i.test(said)) {
    return {
      what: "a step of the build was ended, most likely for its memory (exit code 137)",
      remedy: `take a bigger build.machineType ${SETTINGS}`,
    };
  }
  if (failedStep !== undefined || failureType === "USER_BUILD_STEP") {
    return {
      what: dockerfileStep(end.log),
      remedy:
        "the lines above say why; if a download broke off, deploy again, otherwise mend the Dockerfile or the requirements",
    };
  }
  if (/permission/i.test(said)) {
    return {
      what: "a permission is missing",
      remedy:
        "have roles/cloudbuild.builds.editor granted to you on the project",
    };
  }
  return {
    what: detail || `Cloud Build says ${status}, but there is no image`,
    remedy: "deploy again",
  };
}

/**
 * The place in the Dockerfile, from BuildKit's plain output: `Dockerfile:14`, and
 * `#9 [4/6] RUN pip install` for the `#9 ERROR` that follows.
 */
function dockerfileStep(log: readonly string[]): string {
  // Cloud Build puts `Step #1 - "build": ` in front of each line.
  const lines = log.map((line) => line.replace(/^Step #\d+[^:]*: /, ""));
  const line = lines.flatMap(
    (text) => /^Dockerfile:(\d+)$/.exec(text)?.[1] ?? [],
  );
  const vertex = lines.flatMap((text) => /^(#\d+) ERROR/.exec(text)?.[1] ?? []);
  const step = lines.flatMap((text) => {
    const match = /^(#\d+) \[(?:[\w-]+ +)?(\d+\/\d+)\] (.+)$/.exec(text);
    return match && match[1] === vertex.at(-1)
      ? [`${match[2]} ${match[3]}`]
      : [];
  });
  const place = [
    line.length > 0 ? `line ${line.at(-1)}` : "",
    step.length > 0 ? `step ${step.at(-1)}` : "",
  ].filter(Boolean);
  return `the Dockerfile failed${place.length > 0 ? ` at ${place.join(", ")}` : ""}`;
}
