using System.Text.Json;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Injection;

/// <summary>
/// Tells the API server by which authority to know our webhooks: <c>caBundle</c> in both webhook configurations named <see cref="Name"/>. Only the Lease
/// holder runs it; it writes only what differs.
/// </summary>
internal sealed class WebhookConfigurations(KubernetesClient client, Func<string> bundlePem, TimeProvider time, ILogger<WebhookConfigurations> log)
{
    /// <summary>As <c>manifests/webhooks.yaml</c> names both.</summary>
    public const string Name = "meshlite";

    /// <value>Between looks: until the bundle is there no pod of the mesh can be created. 5 s.</value>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <value>After a failure. 2 s.</value>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private static readonly ResourceType<RawObject>[] Kinds = [ResourceTypes.MutatingWebhookConfigurations, ResourceTypes.ValidatingWebhookConfigurations];

    /// <summary>Keeps both right until cancelled, which the end of the leadership does.</summary>
    public async Task RunAsync(CancellationToken leading)
    {
        while (!leading.IsCancellationRequested)
        {
            var wait = Interval;
            try
            {
                await ReconcileAsync(leading);
            }
            catch (Exception error) when (KubernetesException.IsServerFailure(error))
            {
                InjectionLog.BundleNotPatched(log, error.Message);
                wait = RetryInterval;
            }

            await Task.Delay(wait, time, leading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Looks once, and writes where it differs. A configuration that is not there is nobody's business.</summary>
    public async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        foreach (var kind in Kinds)
        {
            if (await client.FindAsync(kind, new ObjectKey(null, Name), cancellationToken) is { } found && PatchFor(found, bundlePem()) is { } patch)
            {
                await client.MergePatchAsync(kind, new ObjectKey(null, Name), patch, cancellationToken);
                InjectionLog.BundlePatched(log, kind.Kind, Name);
            }
        }
    }

    /// <summary>The patch that makes every webhook of ours trust <paramref name="bundle"/>; null: they do. It is refused where somebody wrote in between.</summary>
    internal static byte[]? PatchFor(RawObject configuration, string bundle)
    {
        var encoded = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(bundle));
        var webhooks = JsonNode.Parse(configuration.Json.TryGetProperty("webhooks", out var list) ? list.GetRawText() : "[]")!.AsArray();
        var differs = false;
        foreach (var client in webhooks.Select(webhook => webhook?["clientConfig"]).OfType<JsonObject>())
        {
            if (client["caBundle"]?.GetValue<string>() != encoded)
            {
                client["caBundle"] = encoded;
                differs = true;
            }
        }

        // A merge patch replaces lists whole (RFC 7396), hence the version.
        return differs
            ? JsonSerializer.SerializeToUtf8Bytes<JsonNode>(new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = configuration.Metadata.ResourceVersion }, ["webhooks"] = webhooks })
            : null;
    }
}
