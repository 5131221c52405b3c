using System.Collections.Immutable;
using MeshLite.Model;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Sets, adds and removes headers, in that order (Gateway API HTTPHeaderFilter). Never touches the headers that carry
/// the mesh's own word, the routing, or the message's framing: those are left out when it is built. Immutable.
/// </summary>
internal sealed class HeaderModifier
{
    private readonly (string Name, StringValues Value)[] _set;
    private readonly (string Name, string Value)[] _add;
    private readonly string[] _remove;

    private HeaderModifier((string, StringValues)[] set, (string, string)[] add, string[] remove)
    {
        _set = set;
        _add = add;
        _remove = remove;
    }

    /// <summary>
    /// Null where nothing is left to do. What may not be changed is left out, with a sentence in
    /// <paramref name="problems"/>; the control plane refuses it before, so this is the second wall.
    /// </summary>
    public static HeaderModifier? Build(HeaderModifierConfig? config, string where, ICollection<string> problems)
    {
        if (config is null)
        {
            return null;
        }

        var set = new List<(string, StringValues)>();
        foreach (var header in Allowed(config.Set, where, problems))
        {
            // "If specified, … subsequent entries with an equivalent header name MUST be ignored" (HTTPHeader, Gateway API v1).
            if (!set.Exists(s => s.Item1.Equals(header.Name, StringComparison.OrdinalIgnoreCase)))
            {
                set.Add((header.Name, header.Value));
            }
        }

        var add = new List<(string, string)>();
        foreach (var header in Allowed(config.Add, where, problems))
        {
            add.Add((header.Name, header.Value));
        }

        var remove = new List<string>();
        foreach (var name in config.Remove)
        {
            if (HeaderRules.Refusal(name, "") is { } refusal)
            {
                problems.Add($"{where}: {refusal}");
            }
            else
            {
                remove.Add(name);
            }
        }

        return set.Count + add.Count + remove.Count == 0 ? null : new HeaderModifier([.. set], [.. add], [.. remove]);
    }

    /// <summary>Changes <paramref name="headers"/>; the caller owns them.</summary>
    public void Apply(IHeaderDictionary headers)
    {
        foreach (var (name, value) in _set)
        {
            headers[name] = value;
        }

        foreach (var (name, value) in _add)
        {
            headers.Append(name, value);
        }

        foreach (var name in _remove)
        {
            headers.Remove(name);
        }
    }

    private static List<HeaderConfig> Allowed(ImmutableArray<HeaderConfig> headers, string where, ICollection<string> problems)
    {
        var allowed = new List<HeaderConfig>(headers.Length);
        foreach (var header in headers)
        {
            if (HeaderRules.Refusal(header.Name, header.Value) is { } refusal)
            {
                problems.Add($"{where}: {refusal}");
            }
            else
            {
                allowed.Add(header);
            }
        }

        return allowed;
    }
}
