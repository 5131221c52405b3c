using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Publish;
using MeshLite.Model;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// One open stream as operators see it. What is set once comes from certificate and Hello; the rest is written by the stream's own loops and read by
/// anyone.
/// </summary>
/// <param name="owner">Whose.</param>
/// <param name="version">Of its program, at most <see cref="MaxVersion"/> characters.</param>
/// <param name="caller">Its certificate.</param>
/// <param name="own">Its own resource, as it is published.</param>
/// <param name="connectedAt">When the stream began.</param>
internal sealed class ConnectedSidecar(StreamOwner owner, string version, Caller caller, PublishEntry own, DateTimeOffset connectedAt)
{
    /// <value>Characters of a version.</value>
    public const int MaxVersion = 64;

    private volatile bool _isCurrent;
    private volatile IReadOnlyList<string> _refused = [];
    private volatile SidecarStats? _stats;

    /// <summary>From its certificate.</summary>
    public SpiffeId Identity => owner.Identity;

    /// <summary>Its name.</summary>
    public string Workload => owner.Workload;

    /// <summary>Of its program.</summary>
    public string Version { get; } = version.Length <= MaxVersion ? version : version[..MaxVersion];

    /// <summary>Start of the certificate the stream stands on.</summary>
    public DateTimeOffset CertificateBeginsAt => caller.BeginsAt;

    /// <summary>Its end, which is the stream's at the latest.</summary>
    public DateTimeOffset CertificateEndsAt => caller.ExpiresAt;

    /// <summary>When the stream began.</summary>
    public DateTimeOffset ConnectedAt => connectedAt;

    /// <summary>Nothing is on its way to it, and nothing waits.</summary>
    public bool IsCurrent
    {
        get => _isCurrent;
        set => _isCurrent = value;
    }

    /// <summary>Of what is in force, what it refused, and why; the first few.</summary>
    public IReadOnlyList<string> Refused
    {
        get => _refused;
        set => _refused = value;
    }

    /// <summary>Its newest word on what it counted; null: none yet.</summary>
    public SidecarStats? Stats
    {
        get => _stats;
        set => _stats = value;
    }

    /// <summary>Its own resource. Decoded at each call.</summary>
    public Workload OwnResource() => Resource.Parser.ParseFrom(own.Current.Encoded).Workload;
}
