using System.Security.Cryptography;
using MeshLite.Model;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// What both sides hold of an X.509-SVID (https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md):
/// the control plane issues to this profile, sidecars and control plane verify against it.
/// </summary>
public static class SvidProfile
{
    /// <summary>id-kp-serverAuth.</summary>
    public const string ServerAuth = "1.3.6.1.5.5.7.3.1";

    /// <summary>id-kp-clientAuth.</summary>
    public const string ClientAuth = "1.3.6.1.5.5.7.3.2";

    /// <summary>id-ecPublicKey.</summary>
    public const string EcPublicKey = "1.2.840.10045.2.1";

    /// <summary>subjectAltName.</summary>
    public const string SubjectAltName = "2.5.29.17";

    /// <summary>Namespace and service account of the control plane itself, whose identity is never given to a workload.</summary>
    public const string ControlPlaneNamespace = "meshlite-system";

    /// <inheritdoc cref="ControlPlaneNamespace"/>
    public const string ControlPlaneServiceAccount = "meshlite-control-plane";

    /// <summary>In the same namespace: whoever runs meshctl. The control plane answers <c>meshlite.v1.Operator</c> to nobody else.</summary>
    public const string OperatorServiceAccount = "meshlite-operator";

    /// <summary>
    /// How far notBefore lies before the moment of signing: a verifier's clock may lag the control plane's by so
    /// much. (One that runs ahead sees certificates expire early; the third of their life that is left when they are
    /// renewed covers that.) Nodes whose clocks are minutes off are common, and what it costs is nothing: a certificate from before
    /// its key was made is nobody's. <value>10 min.</value>
    /// </summary>
    public static readonly TimeSpan Backdate = TimeSpan.FromMinutes(10);

    /// <summary>The one curve for keys: P-256.</summary>
    public static ECCurve Curve => ECCurve.NamedCurves.nistP256;

    /// <summary>Whether this is the operator of its trust domain.</summary>
    public static bool IsOperator(SpiffeId id) => id.Namespace == ControlPlaneNamespace && id.ServiceAccount == OperatorServiceAccount;

    /// <summary>When a certificate of these bounds was signed. A foreign issuer may not backdate: then notBefore.</summary>
    public static DateTimeOffset IssuedAt(DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        notBefore + Backdate < notAfter ? notBefore + Backdate : notBefore;
}
