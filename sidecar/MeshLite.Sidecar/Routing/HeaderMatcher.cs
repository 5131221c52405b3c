using System.Text.RegularExpressions;
using MeshLite.Model;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// One header condition, ready to run. A header sent in several lines is compared as one, joined by commas (RFC 9110
/// §5.3); a missing one never matches. Immutable.
/// </summary>
internal sealed class HeaderMatcher
{
    private readonly string _name;
    private readonly string _value;
    private readonly Regex? _regex;

    private HeaderMatcher(string name, string value, Regex? regex)
    {
        _name = name;
        _value = value;
        _regex = regex;
    }

    /// <summary>Null, with a line in <paramref name="problems"/>, where the condition cannot be run.</summary>
    public static HeaderMatcher? Build(ValueMatchConfig config, string where, ICollection<string> problems)
    {
        Regex? regex = null;
        if (config.Type == ValueMatchType.RegularExpression && !UserRegex.TryCompile(config.Value, out regex, out var problem))
        {
            problems.Add($"{where}: header '{config.Name}' {problem}");
            return null;
        }

        return new HeaderMatcher(config.Name, config.Value, regex);
    }

    public bool Matches(IHeaderDictionary headers)
    {
        if (!headers.TryGetValue(_name, out var values) || values.Count == 0)
        {
            return false;
        }

        // Allocates only where there are several lines.
        var value = values.ToString();
        return _regex is null ? value == _value : _regex.IsMatch(value);
    }
}
