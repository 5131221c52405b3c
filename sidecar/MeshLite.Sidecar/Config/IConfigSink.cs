using MeshLite.Model;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// What configuration is applied to. Called by one thread at a time: the restore at start, then the
/// <see cref="ConfigStream"/> loop. A method that throws <see cref="FormatException"/> has refused the resource
/// and left what was there in force.
/// </summary>
internal interface IConfigSink
{
    /// <summary>Settings of the mesh.</summary>
    void SetMesh(MeshSettingsConfig mesh);

    /// <summary>Settings of this workload.</summary>
    void SetWorkload(WorkloadConfig workload);

    /// <summary>The answer to a subscription, or a newer one.</summary>
    void SetDestination(DestinationConfig destination);

    /// <summary>No longer subscribed.</summary>
    void RemoveDestination(string authority);

    /// <summary>All endpoints of a service's port.</summary>
    void SetEndpoints(EndpointSetConfig endpoints);

    /// <summary>No longer referenced.</summary>
    void RemoveEndpoints(ServiceRef service);
}
