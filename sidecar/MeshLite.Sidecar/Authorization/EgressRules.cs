using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// May this leave the mesh? Asked for each request and tunnel to what is not in it, and of open tunnels when MeshConfig changes. One per
/// program; <see cref="Apply"/> by the configuration loop, the rest by requests.
/// </summary>
internal sealed class EgressRules(OpenFlows flows)
{
    private volatile EgressModel? _model;

    /// <summary>Whether there is anything that may not be called.</summary>
    public bool Restricts => _model is not null;

    /// <summary>Puts the mesh's settings in force.</summary>
    public void Apply(MeshSettingsConfig settings)
    {
        _model = EgressModel.Build(settings.Egress);
        flows.JudgeAll();
    }

    /// <summary>Why a host may not be called; null: it may.</summary>
    public ProxyError? Check(string host) => _model is { } model && !model.Allows(host) ? Denied(host) : null;

    /// <summary>Why an address may not be called as such; null: it may.</summary>
    public ProxyError? Check(IPAddress address) => _model is { } model && !model.Allows(address) ? Denied(address.ToString()) : null;

    private static ProxyError Denied(string what) =>
        new(ErrorReason.Denied, ErrorSource.Downstream, $"'{what}' is outside the mesh, and MeshConfig's egress does not allow it.", Undelivered: true);
}
