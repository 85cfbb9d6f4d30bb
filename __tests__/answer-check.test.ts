import {
  environment,
  only,
  provisioner,
  type Raw,
  resources,
  synthesize,
} from "./synthesize";

const SCRIPT = "provision/check-answers.ts";
const INVOKER = "google_cloud_run_v2_service_iam_member";
const serving = (changes: Raw) =>
  synthesize(environment({}, { serving: changes }));
const told = (stack: ReturnType<typeof synthesize>) =>
  provisioner(stack, SCRIPT).provisioner[0]["local-exec"].environment;

test("answers are checked once for every revision, when it is known to answer", () => {
  const check = provisioner(synthesize(), SCRIPT);
  const [confirmation] = check.depends_on;

  expect(confirmation).toMatch(/^null_resource\..*_confirmation_/);
  expect(check.triggers).toEqual({ revision: `\${${confirmation}.id}` });
});

test("nobody is let in for the check unless the settings say whom", () => {
  expect(resources(synthesize(), INVOKER)).toEqual([]);
  expect(told(synthesize())).toMatchObject({ INVOKER: "", GRANTED: "no" });
});

test("whoever applies gets run.invoker on the service before the check", () => {
  const stack = serving({ check: { invoker: "user:ada@example.com" } });

  expect(only(stack, INVOKER)).toMatchObject({
    name: "serve-gemma-sql",
    role: "roles/run.invoker",
    member: "user:ada@example.com",
  });
  expect(provisioner(stack, SCRIPT).depends_on).toContainEqual(
    expect.stringContaining(INVOKER),
  );
  expect(told(stack)).toMatchObject({
    INVOKER: "user:ada@example.com",
    GRANTED: "yes",
  });
});

test("a caller who also applies is let in once", () => {
  const member = "user:ada@example.com";
  const stack = serving({ invokers: [member], check: { invoker: member } });

  expect(resources(stack, INVOKER)).toHaveLength(1);
});

test("no more is asked at a time than the service takes", () => {
  expect(told(synthesize()).CONCURRENCY).toBe("16");
  expect(told(serving({ maxNumSeqs: 4 })).CONCURRENCY).toBe("4");
});

test("a ready image is not held to what tuneserve's own answers", () => {
  expect(told(synthesize()).OWN_IMAGE).toBe("yes");
  const image = "us-docker.pkg.dev/p/r/vllm:1";
  expect(told(serving({ image })).OWN_IMAGE).toBe("no");
});

test("without the check nothing is asked", () => {
  expect(() =>
    provisioner(serving({ check: { enabled: false } }), SCRIPT),
  ).toThrow(`nothing runs ${SCRIPT}`);
});

test.each(["allUsers", "ada@example.com", "group:a@example.com"])(
  "fails when the one who applies is %s",
  (invoker) => {
    expect(() => serving({ check: { invoker } })).toThrow(
      /check\.invoker.*whoever applies/,
    );
  },
);
