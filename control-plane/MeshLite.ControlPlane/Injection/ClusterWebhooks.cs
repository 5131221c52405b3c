using System.Reflection;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Index;
using MeshLite.Injection;
using MeshLite.Kubernetes;
using MeshLite.Protocol.Pki;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Injection;

/// <summary>What webhooks are made of in a cluster: every replica answers, the Lease holder keeps their configurations right. One per process.</summary>
internal sealed class ClusterWebhooks
{
    private readonly WebhookServer _server;
    private readonly WebhookConfigurations _configurations;
    private readonly KubernetesClient _client;
    private readonly MeshIndex _index;

    /// <summary>Makes the parts. <paramref name="ns"/>: the control plane's own.</summary>
    public ClusterWebhooks(
        ClusterOptions options, string ns, KubernetesClient client, MeshIndex index, IdentityModule identity, ControlPlaneMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        (_client, _index) = (client, index);
        var injection = new InjectionOptions
        {
            Image = options.SidecarImage ?? $"meshlite/sidecar:{Version}",
            ControlPlane = options.SidecarControlPlane ?? $"https://{SvidProfile.ControlPlaneServiceAccount}.{ns}.svc:15012",
            TrustBundlePem = "",
            TokenAudience = JoinToken.Audience,
            Version = Version,
        };
        var pods = new PodAdmission(() => injection with { TrustBundlePem = identity.TrustBundle.ToPem() }, LabelsAsync);
        _server = new WebhookServer(pods.ReviewAsync, ResourceAdmission.ReviewAsync, metrics, time, loggers.CreateLogger<WebhookServer>());
        _configurations = new WebhookConfigurations(client, () => identity.TrustBundle.ToPem(), time, loggers.CreateLogger<WebhookConfigurations>());
    }

    private static string Version => typeof(ClusterWebhooks).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>A <see cref="RequestDelegate"/> of the webhook's listener.</summary>
    public Task HandleAsync(HttpContext context) => _server.HandleAsync(context);

    /// <summary>What is to be done while we lead.</summary>
    public Task LeadAsync(CancellationToken leading) => _configurations.RunAsync(leading);

    // A namespace made just now may be ahead of its watch. By a list, which we may: to get one would take a right more.
    private async ValueTask<IReadOnlyDictionary<string, string>?> LabelsAsync(string ns, CancellationToken cancellationToken)
    {
        if (_index.View.Cluster.Namespaces.TryGetValue(ns, out var known))
        {
            return known.Labels;
        }

        var page = await _client.ListPageAsync(ResourceTypes.Namespaces, new Selection { FieldSelector = $"metadata.name={ns}" }, cancellation: cancellationToken);
        return page.Items.Count == 0 ? null : page.Items[0].Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal);
    }
}
