namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads what names a Service or a subset of one (Gateway API BackendRef). Pure.</summary>
internal static class BackendRefReader
{
    private const int MaxWeight = 1_000_000;

    /// <summary>In place of one that could not be read.</summary>
    public static readonly BackendRef Nothing = new() { Name = "" };

    /// <summary>One of <c>backendRefs</c>, with a weight.</summary>
    public static BackendRef ReadShare(FieldReader backend)
    {
        var whole = ReadWhole(backend);
        return whole with { Weight = backend.Integer("weight", 0, MaxWeight) ?? 1 };
    }

    /// <summary>A <c>backendRef</c> that stands alone.</summary>
    public static BackendRef ReadWhole(FieldReader backend)
    {
        backend.OneOf("kind", "Service");
        backend.Unsupported("group", "filters");
        return new BackendRef
        {
            Name = backend.RequiredText("name", Check.Label),
            Namespace = backend.Text("namespace", Check.Label),
            Port = backend.Integer("port", 1, 65535),
            Subset = backend.Text("subset", Check.Label),
        };
    }
}
