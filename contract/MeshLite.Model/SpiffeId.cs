using System.Diagnostics.CodeAnalysis;

namespace MeshLite.Model;

/// <summary>
/// A workload's identity, <c>spiffe://&lt;trust-domain&gt;/ns/&lt;namespace&gt;/sa/&lt;service-account&gt;</c>, the
/// one URI SAN of its certificate (SPIFFE-ID §2, X509-SVID §2). Compared ordinally; immutable.
/// </summary>
public sealed record SpiffeId(string TrustDomain, string Namespace, string ServiceAccount)
{
    private const string Scheme = "spiffe://";

    /// <summary>Parses the form above; anything else (other schemes, query, empty or extra segments) is refused.</summary>
    public static bool TryParse(string? value, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        if (value is null || value.Length > 2048 || !value.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }

        var parts = value[Scheme.Length..].Split('/');
        if (parts is not [var trustDomain, "ns", var ns, "sa", var serviceAccount]
            || !IsTrustDomain(trustDomain) || !IsSegment(ns) || !IsSegment(serviceAccount))
        {
            return false;
        }

        id = new SpiffeId(trustDomain, ns, serviceAccount);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>; throws <see cref="FormatException"/>.</summary>
    public static SpiffeId Parse(string value) =>
        TryParse(value, out var id) ? id : throw new FormatException($"'{value}' is not spiffe://<trust-domain>/ns/<namespace>/sa/<service-account>");

    /// <summary>The URI.</summary>
    public override string ToString() => $"{Scheme}{TrustDomain}/ns/{Namespace}/sa/{ServiceAccount}";

    /// <summary>SPIFFE-ID §2.1: lower case letters, digits, dots, dashes, underscores.</summary>
    public static bool IsTrustDomain(string value) =>
        value.Length is > 0 and <= 255 && value.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '-' or '_');

    /// <summary>A Kubernetes name (RFC 1123 subdomain), which is also a SPIFFE path segment.</summary>
    public static bool IsSegment(string value) =>
        value.Length is > 0 and <= 253 && value is not ("." or "..")
        && value.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '-');
}
