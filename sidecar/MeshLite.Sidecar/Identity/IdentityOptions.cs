namespace MeshLite.Sidecar.Identity;

/// <summary>What the process's options say about identity. Immutable.</summary>
internal sealed record IdentityOptions
{
    /// <summary>Token that proves namespace and service account (<c>--token</c>), read anew at each use; null: only a certificate kept from before serves.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Where key and certificate are kept (<c>--state-dir</c>); null: nowhere.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>The namespace this workload says it is in (<c>--namespace</c>): a certificate for another is not used. Null: any.</summary>
    public string? Namespace { get; init; }
}
