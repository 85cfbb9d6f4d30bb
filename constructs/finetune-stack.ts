import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { dependable, GcsBackend, LocalBackend, TerraformStack } from "cdktf";
import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import { BillingBudget, budgetApis } from "./billing-budget";
import { ContainerImages } from "./container-images";
import { FinetunedModel } from "./finetuned-model";
import { cudaBase } from "./gpu-shapes";
import { HuggingFaceToken } from "./hugging-face-token";
import { ImageBuilder } from "./image-builder";
import { ImageRepository } from "./image-repository";
import { ModelBucket } from "./model-bucket";
import { ProjectApis } from "./project-apis";
import { Provisioner } from "./provisioner";
import { ServiceAccount } from "./service-account";
import type { EnvironmentSettings } from "./settings";
import { addOutputs } from "./stack-outputs";
import { TokenGuard } from "./token-guard";

/** What the stack is told about the sources beside it. */
export interface Sources {
  /** Hash of `trainer/`. */
  readonly trainer: string;

  /** Hash of `vllm/`. */
  readonly vllm: string;

  /** Version of the trainer's recipe. */
  readonly recipe: number;
}

/** One environment: everything from the APIs to the served answers. */
export class FinetuneStack extends TerraformStack {
  public constructor(
    scope: Construct,
    id: string,
    settings: EnvironmentSettings,
    sources: Sources,
  ) {
    super(scope, id);
    const { projectId, region, token, budget, serviceAccounts } = settings;
    const models = Object.entries(settings.models);
    const served = models.map(([, { serving }]) => serving);
    this.configure(settings);

    const guard =
      token.source === "variable"
        ? new TokenGuard(this, "token-guard", {
            secret: token.secret,
            version: token.version,
          })
        : undefined;
    const apis = new ProjectApis(this, "apis", {
      projectId,
      region,
      more: budget === "none" ? [] : budgetApis(budget),
      dependsOn: guard === undefined ? [] : [guard.passed],
    });
    const dependsOn = [apis.ready];
    if (budget !== "none") {
      new BillingBudget(this, "budget", {
        projectId,
        displayName: `tuneserve ${id}`,
        budget,
        dependsOn,
      });
    }

    const train = new ServiceAccount(this, "train", {
      accountId: serviceAccounts.train,
      displayName: "Fine-tunes models and publishes them",
      dependsOn,
    });
    const serve = new ServiceAccount(this, "serve", {
      accountId: serviceAccounts.serve,
      displayName: "Serves fine-tuned models",
      dependsOn,
    });
    const bucket = new ModelBucket(this, "models", {
      bucketName: settings.bucket.name,
      region,
      forceDestroy: settings.bucket.forceDestroy,
      compileCache: served.some(({ compileCache }) => compileCache),
      streamed: served.some(({ loadFormat }) => loadFormat === "stream"),
      dependsOn,
    });
    bucket.grantTraining("train", train.member);
    bucket.grantServing("serve", serve.member);
    const secret =
      token.source === "none"
        ? undefined
        : new HuggingFaceToken(this, "hf-token", {
            secret: token.secret,
            ...(guard === undefined ? {} : { variable: guard.variable }),
            version: token.version,
            replication: token.replication,
            deletionProtection: token.deletionProtection,
            readers: { train: train.member },
            dependsOn,
          });

    const repository = new ImageRepository(this, "repository", {
      projectId,
      region,
      repository: settings.repository,
      dependsOn,
    });
    const builder = new ImageBuilder(this, "build", {
      ...settings.build,
      projectId,
      region,
      accountId: serviceAccounts.build,
      repository,
      dependsOn,
    });
    const images = new ContainerImages(this, {
      sources,
      names: settings.images,
      repository,
      builder,
    });

    // Beside the image builds, which take far longer.
    const grants = this.grantsSpread(settings, [
      ...bucket.grants,
      ...(secret?.grants ?? []),
    ]);
    addOutputs(
      this,
      models.map(
        ([key, model]) =>
          new FinetunedModel(this, `model-${key}`, {
            environment: settings,
            model,
            recipe: sources.recipe,
            trainer: images.image("trainer", model.training.image),
            vllm: images.image(
              "vllm",
              model.serving.image,
              cudaBase(model.serving),
            ),
            bucket,
            accounts: { train: train.email, serve: serve.email },
            token: secret,
            dependsOn: [grants, ...(secret?.ready ?? [])],
          }),
      ),
    );
  }

  private configure(settings: EnvironmentSettings): void {
    const { projectId, region, labels, state } = settings;
    // Ephemeral variables came with Terraform 1.10, write-only arguments with 1.11.
    this.addOverride("terraform.required_version", ">= 1.11");
    const google = new GoogleProvider(this, "google", {
      project: projectId,
      region,
    });
    // As an override: a provider's own keys lose their hyphens. The bill is
    // sorted by `env`, and the plan gate knows production by it.
    google.addOverride("default_labels", { env: this.node.id, ...labels });
    new NullProvider(this, "null");
    if (state.bucket !== undefined) {
      new GcsBackend(this, {
        bucket: state.bucket,
        prefix: `${state.prefix}/${this.node.id}`,
      });
    } else {
      // Relative: the default is an absolute path of whoever synthesized.
      new LocalBackend(this, {
        path: `../../../terraform.${this.node.id}.tfstate`,
      });
    }
  }

  private grantsSpread(
    settings: EnvironmentSettings,
    grants: ITerraformDependable[],
  ): ITerraformDependable {
    return new Provisioner(this, "grants", {
      script: "provision/await-grants.ts",
      // A grant that is made anew has to spread anew.
      triggers: { grants: grants.map((g) => `\${${dependable(g)}.id}`).join() },
      environment: {
        PROJECT_ID: settings.projectId,
        SECONDS: String(settings.grantsSeconds),
      },
      dependsOn: grants,
    }).resource;
  }
}
