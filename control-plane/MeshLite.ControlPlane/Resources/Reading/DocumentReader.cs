namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// One document's node tree to a <see cref="Resource"/>, or to all that is wrong with it. Finds the kind, reads the metadata
/// every kind has, and leaves the rest to the kind's reader. Pure.
/// </summary>
internal static class DocumentReader
{
    /// <summary>Namespace of a document that names none, as kubectl has it.</summary>
    public const string DefaultNamespace = "default";

    private const string MeshApi = "meshlite.dev/v1alpha1";

    private static readonly Dictionary<string, Kind> Kinds = new(StringComparer.Ordinal)
    {
        ["Service"] = new(ResourceKind.Service, "v1", ServiceReader.Read),
        ["TrafficRoute"] = new(ResourceKind.TrafficRoute, MeshApi, TrafficRouteReader.Read),
        ["TrafficPolicy"] = new(ResourceKind.TrafficPolicy, MeshApi, TrafficPolicyReader.Read),
        ["AuthorizationPolicy"] = new(ResourceKind.AuthorizationPolicy, MeshApi, AuthorizationPolicyReader.Read),
        ["MeshConfig"] = new(ResourceKind.MeshConfig, MeshApi, MeshConfigReader.Read),
    };

    private static readonly string[] LaterKinds = ["CanaryRelease", "HTTPRoute", "GRPCRoute"];

    /// <summary>Reads one document.</summary>
    public static DocumentResult Read(Node document, string file, int index) => Read(document, new ResourceOrigin(file, index, document.Line));

    /// <summary>Reads one document from wherever it is.</summary>
    public static DocumentResult Read(Node document, ResourceOrigin origin)
    {
        var errors = new ReadErrors(origin.File);
        ResourceKey? key = null;
        var resource = FieldReader.Read(document, "", errors, fields =>
        {
            if (ReadKind(fields) is not { } kind)
            {
                return null!;
            }

            key = ReadKey(fields, kind, errors);
            errors.Document = key?.ToString() ?? kind.Name.ToString();
            return kind.Read(fields, new ResourceHead(key ?? default, origin))!;
        });
        return errors.None && resource is not null ? new DocumentResult(key, resource, []) : new DocumentResult(key, null, errors.All);
    }

    private static Kind? ReadKind(FieldReader fields)
    {
        var api = fields.RequiredText("apiVersion", NotEmpty);
        var name = fields.RequiredText("kind", NotEmpty);
        if (Kinds.TryGetValue(name, out var kind) && kind.Api == api)
        {
            return kind;
        }

        // What else stands in a document of a kind nobody knows is not worth a complaint.
        fields.Ignore("metadata", "spec");
        if (name.Length > 0 && api.Length > 0)
        {
            var problem = kind is not null ? $"{name} is of apiVersion {kind.Api}, not {api}"
                : LaterKinds.Contains(name, StringComparer.Ordinal) ? $"{name} is not supported by this version"
                : $"the mesh knows no kind '{name}'";
            fields.Error(kind is not null ? "apiVersion" : "kind", problem);
        }

        return null;
    }

    private static string? NotEmpty(string text) => text.Length == 0 ? "is empty" : null;

    private static ResourceKey? ReadKey(FieldReader fields, Kind kind, ReadErrors errors)
    {
        var key = fields.RequiredObject("metadata", metadata =>
        {
            var name = metadata.RequiredText("name", kind.Name == ResourceKind.Service ? Check.Label : Check.Subdomain);
            var ns = metadata.Text("namespace", Check.Label);
            // Labels and annotations mean nothing to the mesh, but every tool writes them.
            metadata.Labels("labels", Check.LabelKey, Check.LabelValue);
            metadata.Labels("annotations", Check.LabelKey, _ => null);
            if (kind.Name == ResourceKind.MeshConfig)
            {
                if (metadata.Has("namespace"))
                {
                    metadata.Error("namespace", "MeshConfig belongs to the whole mesh and has no namespace");
                }

                if (name.Length > 0 && name != MeshConfigResource.DefaultName)
                {
                    metadata.Error("name", $"is '{name}', must be {MeshConfigResource.DefaultName}: there is one MeshConfig");
                }

                return new Box(MeshConfigResource.DefaultKey);
            }

            var named = name.Length > 0 && (ns is not null || !metadata.Has("namespace"));
            return new Box(named ? new ResourceKey(kind.Name, ns ?? DefaultNamespace, name) : null);
        });
        return key?.Key;
    }

    private sealed record Box(ResourceKey? Key);

    private sealed record Kind(ResourceKind Name, string Api, Func<FieldReader, ResourceHead, Resource?> Read);
}

/// <summary>What every resource has.</summary>
internal readonly record struct ResourceHead(ResourceKey Key, ResourceOrigin Origin);

/// <summary>What became of a document.</summary>
/// <param name="Key">What it is called; null if that could not be read.</param>
/// <param name="Resource">Null if it was refused.</param>
/// <param name="Errors">All reasons; empty if it was not refused.</param>
internal sealed record DocumentResult(ResourceKey? Key, Resource? Resource, IReadOnlyList<ResourceError> Errors);
