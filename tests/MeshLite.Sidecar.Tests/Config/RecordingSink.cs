using MeshLite.Model;
using MeshLite.Sidecar.Config;

namespace MeshLite.Sidecar.Tests.Config;

/// <summary>What was applied; refuses what the test names.</summary>
internal sealed class RecordingSink : IConfigSink
{
    /// <summary>Every call, in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>A resource whose text contains this is refused.</summary>
    public string? Refuse { get; set; }

    /// <summary>Addresses of the endpoints in force.</summary>
    public string[]? Addresses { get; private set; }

    public void SetMesh(MeshSettingsConfig mesh) => Take($"mesh {mesh.TrustDomain}");

    public void SetWorkload(WorkloadConfig workload) => Take($"workload {workload.Version}");

    public void SetDestination(DestinationConfig destination) => Take($"destination {destination.Authority} {destination.Kind}");

    public void RemoveDestination(string authority) => Take($"remove destination {authority}");

    public void SetEndpoints(EndpointSetConfig endpoints)
    {
        var addresses = endpoints.Endpoints.Select(e => e.Address.Address.ToString()).ToArray();
        Take($"endpoints {endpoints.Service} {string.Join(' ', addresses)}");
        Addresses = addresses;
    }

    public void RemoveEndpoints(ServiceRef service) => Take($"remove endpoints {service}");

    private void Take(string call)
    {
        if (Refuse is not null && call.Contains(Refuse, StringComparison.Ordinal))
        {
            throw new FormatException($"refused: {call}");
        }

        lock (Calls)
        {
            Calls.Add(call);
        }
    }
}
