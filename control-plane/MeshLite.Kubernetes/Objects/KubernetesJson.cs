using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>
/// Source-generated JSON of the records: unknown members are skipped, null ones not written. Their properties have setters, which nobody but the reader uses:
/// generated code would set an init-only property that is not in the JSON to null, whatever its initializer says. Lists take null, which Go writes for
/// an empty slice, as empty.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ObjectMeta))]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(EndpointSlice))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(KubernetesEvent))]
[JsonSerializable(typeof(Status))]
[JsonSerializable(typeof(TokenReview))]
[JsonSerializable(typeof(DeleteOptions))]
internal sealed partial class KubernetesJson : JsonSerializerContext;
