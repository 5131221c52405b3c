using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>An authority as it is recorded: PEM, each certificate its own text where there are several. Immutable; holds a private key, so it is never logged.</summary>
internal sealed record AuthorityPart
{
    /// <summary>The signing key, PKCS#8.</summary>
    public required string Key { get; init; }

    /// <summary>The signing certificate, then those between it and its root.</summary>
    public required string Chain { get; init; }

    /// <summary>The root it stands on.</summary>
    public required string Root { get; init; }

    /// <summary>Every root that is to be published while this one signs alone, its own among them.</summary>
    public required IReadOnlyList<string> Roots { get; init; }

    /// <summary>All certificates as one text.</summary>
    [JsonIgnore]
    public string Certificates => string.Concat(Roots.Where(root => root != Chain).Prepend(Chain));

    /// <summary>Whether both sign with the same certificate.</summary>
    public bool SignsAs(AuthorityPart other) => Chain == other.Chain && Key == other.Key;

    /// <summary>Tells one offer from another, whatever the order of its certificates.</summary>
    [JsonIgnore]
    public string Fingerprint => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('|', Roots.Order(StringComparer.Ordinal).Prepend(Root).Prepend(Chain).Prepend(Key)))));

    /// <inheritdoc/>
    public override string ToString() => nameof(AuthorityPart);
}
