using System.Collections.Immutable;
using System.Globalization;
using MeshLite.Injection;
using MeshLite.Kubernetes.Objects;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Sources.Kubernetes;

/// <summary>
/// The mesh's annotations as they are found on objects of the cluster. The injector refuses bad ones on Pods; what is bad all the same
/// (nobody checks Namespaces) must not make anything less strict. Pure.
/// </summary>
internal static class AnnotationReader
{
    /// <summary><c>meshlite.dev/mtls</c>; null where there is none, Strict where it says something nobody understands.</summary>
    public static MtlsMode? Mtls(ObjectMeta metadata) => metadata.Annotation(MeshAnnotations.Mtls) switch
    {
        null => null,
        var text when string.Equals(text, nameof(MtlsMode.Permissive), StringComparison.OrdinalIgnoreCase) => MtlsMode.Permissive,
        _ => MtlsMode.Strict,
    };

    /// <summary><c>meshlite.dev/skip-inbound-ports</c>, in order.</summary>
    public static ImmutableArray<int> SkipInboundPorts(ObjectMeta metadata) => Ports(metadata.Annotation(MeshAnnotations.SkipInbound));

    /// <summary><c>meshlite.dev/opaque-ports</c>, in order: of a Pod's application, or of a Service.</summary>
    public static ImmutableArray<int> OpaquePorts(ObjectMeta metadata) => Ports(metadata.Annotation(MeshAnnotations.Opaque));

    /// <summary>All of them.</summary>
    public static ImmutableSortedDictionary<string, string> Of(ObjectMeta metadata) =>
        (metadata.Annotations ?? ImmutableDictionary<string, string>.Empty)
            .Where(a => a.Key.StartsWith(MeshAnnotations.Prefix, StringComparison.Ordinal)).ToImmutableSortedDictionary(StringComparer.Ordinal);

    private static ImmutableArray<int> Ports(string? list) =>
    [
        .. (list ?? "").Split(',', StringSplitOptions.TrimEntries)
            .Select(text => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0)
            .Where(port => port > 0).Distinct().Order(),
    ];
}
