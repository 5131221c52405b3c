using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads the filters <c>requestHeaderModifier</c> and <c>responseHeaderModifier</c> (Gateway API HTTPHeaderFilter). Pure.</summary>
internal static class HeaderModifierReader
{
    private const int MaxHeaders = 16;

    /// <summary>Reads it.</summary>
    public static HeaderModifierConfig Read(FieldReader modifier)
    {
        var config = new HeaderModifierConfig
        {
            Set = ReadHeaders(modifier, "set"),
            Add = ReadHeaders(modifier, "add"),
            Remove = modifier.Texts("remove", MaxHeaders, Check.ChangeableHeaderName),
        };
        // The Gateway API leaves open which wins.
        var names = config.Set.Select(h => h.Name).Concat(config.Add.Select(h => h.Name)).Concat(config.Remove);
        foreach (var name in names.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
        {
            modifier.Error("", $"the header {name.Key} stands there twice");
        }

        return config;
    }

    private static ImmutableArray<HeaderConfig> ReadHeaders(FieldReader modifier, string field) =>
        [
            .. modifier.Objects(field, 0, MaxHeaders, header => new Header(
                header.RequiredText("name", Check.ChangeableHeaderName), header.RequiredText("value", Check.HeaderValue)))
                .Select(h => new HeaderConfig(h.Name, h.Value)),
        ];

    private sealed record Header(string Name, string Value);
}
