using System.Collections.Immutable;
using System.Globalization;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// Reads one map of a document, strictly: each field asked for is checked, and at the end every field nobody asked for is an
/// error. Problems go to <see cref="ReadErrors"/> with line and path; the value returned then is a default nobody will see,
/// since a document with an error is refused. Used by one thread, through <see cref="Read{T}"/>.
/// </summary>
internal sealed class FieldReader
{
    private const int MaxLabels = 256;

    private readonly MapNode _map;
    private readonly ReadErrors _errors;
    private readonly List<string> _known = [];
    private readonly List<string> _unsupported = [];

    private FieldReader(MapNode map, string path, ReadErrors errors)
    {
        _map = map;
        Path = path;
        _errors = errors;
    }

    /// <summary>Where this map stands: <c>spec.rules[0]</c>; empty for the document itself.</summary>
    public string Path { get; }

    /// <summary>Where this map begins.</summary>
    public int Line => _map.Line;

    /// <summary>Reads a map by <paramref name="read"/>, then refuses what it did not ask for. Null if it is no map.</summary>
    public static T? Read<T>(Node node, string path, ReadErrors errors, Func<FieldReader, T> read)
        where T : class
    {
        if (node is not MapNode map)
        {
            errors.Add(node.Line, path, $"is {node.Description}, must be a map of fields");
            return null;
        }

        var reader = new FieldReader(map, path, errors);
        var result = read(reader);
        reader.RefuseTheRest();
        return result;
    }

    /// <summary>Fields of the contract that this version does not enforce: refused, in other words than a misspelling.</summary>
    public void Unsupported(params string[] names) => _unsupported.AddRange(names);

    /// <summary>Fields not worth a complaint of their own, because of an error already told.</summary>
    public void Ignore(params string[] names) => _known.AddRange(names);

    /// <summary>Whether the field is written at all.</summary>
    public bool Has(string name) => Take(name) is not null;

    /// <summary>Adds an error about a field of this map (or the map itself, if the name is empty).</summary>
    public void Error(string name, string message) =>
        _errors.Add(_map.Find(name)?.Line ?? _map.Line, name.Length == 0 ? Path : PathOf(name), message);

    /// <summary>Says that a field is required and missing.</summary>
    public void RequireField(string name)
    {
        if (_map.Find(name) is null)
        {
            _errors.Add(_map.Line, PathOf(name), "is required");
        }
    }

    /// <summary>Says that exactly one of these must be there.</summary>
    public void RequireOneOf(params string[] names)
    {
        if (names.Count(name => _map.Find(name) is not null) != 1)
        {
            _errors.Add(_map.Line, Path, $"must have exactly one of {Listed(names)}");
        }
    }

    /// <summary>Text, checked by <paramref name="check"/> (which answers with what is wrong, or null). Null if absent or wrong.</summary>
    public string? Text(string name, Func<string, string?>? check = null)
    {
        if (Take(name) is not { } field)
        {
            return null;
        }

        if (TextOf(field.Value, PathOf(name)) is not { } text)
        {
            return null;
        }

        if (check?.Invoke(text) is { } problem)
        {
            _errors.Add(field.Line, PathOf(name), problem);
            return null;
        }

        return text;
    }

    /// <summary>As <see cref="Text"/>, and must be there; empty if not.</summary>
    public string RequiredText(string name, Func<string, string?>? check = null)
    {
        RequireField(name);
        return Text(name, check) ?? "";
    }

    /// <summary>A whole number within the range; null if absent or wrong.</summary>
    public int? Integer(string name, int min, int max)
    {
        if (Take(name) is not { } field)
        {
            return null;
        }

        if (field.Value is not ScalarNode { Kind: ScalarKind.Integer } scalar)
        {
            _errors.Add(field.Line, PathOf(name), $"is {field.Value.Description}, must be a whole number");
            return null;
        }

        if (!int.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) || value < min || value > max)
        {
            _errors.Add(field.Line, PathOf(name), $"is {scalar.Text}, must be from {min} to {max}");
            return null;
        }

        return value;
    }

    /// <summary>A number, whole or not, within the range; null if absent or wrong.</summary>
    public double? Number(string name, double min, double max)
    {
        if (Take(name) is not { } field)
        {
            return null;
        }

        if (field.Value is not ScalarNode { Kind: ScalarKind.Integer or ScalarKind.Number } scalar)
        {
            _errors.Add(field.Line, PathOf(name), $"is {field.Value.Description}, must be a number");
            return null;
        }

        if (!double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !(value >= min && value <= max))
        {
            _errors.Add(field.Line, PathOf(name), string.Create(CultureInfo.InvariantCulture, $"is {scalar.Text}, must be from {min} to {max}"));
            return null;
        }

        return value;
    }

    /// <summary>The boolean true, where only its presence says something; false if absent or wrong.</summary>
    public bool True(string name)
    {
        if (Take(name) is not { } field)
        {
            return false;
        }

        if (field.Value is ScalarNode { Kind: ScalarKind.Boolean, Text: "true" or "True" or "TRUE" })
        {
            return true;
        }

        _errors.Add(field.Line, PathOf(name), $"is {field.Value.Description}, must be true");
        return false;
    }

    /// <summary>One of the names given, as written there.</summary>
    public string? OneOf(string name, params string[] allowed) =>
        Text(name, text => allowed.Contains(text, StringComparer.Ordinal) ? null : $"is '{text}', must be {Listed(allowed)}");

    /// <summary>One of an enum's names; names in <paramref name="unsupported"/> belong to the contract but not to this version.</summary>
    public T? OneOf<T>(string name, params string[] unsupported)
        where T : struct, Enum
    {
        string[] allowed = [.. Enum.GetNames<T>().Except(unsupported, StringComparer.Ordinal)];
        var text = Text(name, text =>
            allowed.Contains(text, StringComparer.Ordinal) ? null
            : unsupported.Contains(text, StringComparer.Ordinal) ? $"{text} is not supported by this version (only {Listed(allowed)})"
            : $"is '{text}', must be {Listed(allowed)}");
        return text is null ? null : Enum.Parse<T>(text);
    }

    /// <summary>A duration (GEP-2257) within the range; null if absent or wrong.</summary>
    public TimeSpan? Duration(string name, TimeSpan min, TimeSpan max)
    {
        var value = TimeSpan.Zero;
        var text = Text(name, text =>
            !GatewayDuration.TryParse(text, out value) ? $"'{text}' is not a duration such as 250ms, 2s, 1m30s"
            : value < min || value > max ? $"is {text}, must be from {GatewayDuration.Format(min)} to {GatewayDuration.Format(max)}"
            : null);
        return text is null ? null : value;
    }

    /// <summary>A map of fields, read by <paramref name="read"/>; null if absent or wrong.</summary>
    public T? Object<T>(string name, Func<FieldReader, T> read)
        where T : class =>
        Take(name) is { } field ? Read(field.Value, PathOf(name), _errors, read) : null;

    /// <summary>As <see cref="Object"/>, and must be there.</summary>
    public T? RequiredObject<T>(string name, Func<FieldReader, T> read)
        where T : class
    {
        RequireField(name);
        return Object(name, read);
    }

    /// <summary>A list of maps; empty if absent or wrong.</summary>
    public ImmutableArray<T> Objects<T>(string name, int min, int max, Func<FieldReader, T> read)
        where T : class =>
        Items(name, min, max, (item, path) => Read(item, path, _errors, read));

    /// <summary>A list of texts; empty if absent or wrong. Required if <paramref name="min"/> is more than 0.</summary>
    public ImmutableArray<string> Texts(string name, int max, Func<string, string?> check, int min = 0) =>
        Items(name, min, max, (item, path) =>
        {
            var text = TextOf(item, path);
            if (text is not null && check(text) is { } problem)
            {
                _errors.Add(item.Line, path, problem);
                return null;
            }

            return text;
        });

    /// <summary>A list of single values; <paramref name="read"/> gives null for what is not <paramref name="expected"/>. Null if absent.</summary>
    public ImmutableArray<T>? Values<T>(string name, int min, int max, Func<ScalarNode, T?> read, string expected)
        where T : struct =>
        Take(name) is null ? null : [.. Items(name, min, max, (item, path) =>
        {
            var value = item is ScalarNode scalar ? read(scalar) : null;
            if (value is null)
            {
                _errors.Add(item.Line, path, $"is {item.Description}, must be {expected}");
            }

            return (object?)value;
        }).Cast<T>()];

    /// <summary>A map of text to text (labels); null if absent or wrong.</summary>
    public ImmutableSortedDictionary<string, string>? Labels(string name, Func<string, string?> checkName, Func<string, string?> checkValue)
    {
        if (Take(name) is not { } field)
        {
            return null;
        }

        return Read(field.Value, PathOf(name), _errors, labels =>
        {
            var values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
            if (labels._map.Fields.Length > MaxLabels)
            {
                _errors.Add(field.Line, labels.Path, $"has {labels._map.Fields.Length} entries, may have {MaxLabels}");
                return values.ToImmutable();
            }

            foreach (var label in labels._map.Fields)
            {
                if (checkName(label.Name) is { } problem)
                {
                    _errors.Add(label.Line, labels.PathOf(label.Name), problem);
                }

                values[label.Name] = labels.Text(label.Name, checkValue) ?? "";
            }

            return values.ToImmutable();
        });
    }

    private ImmutableArray<T> Items<T>(string name, int min, int max, Func<Node, string, T?> read)
        where T : class
    {
        if (Take(name) is not { } field)
        {
            if (min > 0)
            {
                RequireField(name);
            }

            return [];
        }

        if (field.Value is not ListNode list)
        {
            _errors.Add(field.Line, PathOf(name), $"is {field.Value.Description}, must be a list");
            return [];
        }

        if (list.Items.Length < min || list.Items.Length > max)
        {
            _errors.Add(field.Line, PathOf(name), $"has {list.Items.Length} items, must have {min} to {max}");
            return [];
        }

        return [.. list.Items.Select((item, i) => read(item, $"{PathOf(name)}[{i}]")).OfType<T>()];
    }

    private FieldNode? Take(string name)
    {
        if (!_known.Contains(name, StringComparer.Ordinal))
        {
            _known.Add(name);
        }

        return _map.Find(name);
    }

    private string? TextOf(Node node, string path)
    {
        if (node is ScalarNode { Kind: ScalarKind.Text } scalar)
        {
            return scalar.Text;
        }

        var hint = node is ScalarNode { Kind: not ScalarKind.Null } ? " (put it in quotes)" : "";
        _errors.Add(node.Line, path, $"is {node.Description}, must be text{hint}");
        return null;
    }

    private void RefuseTheRest()
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var field in _map.Fields)
        {
            if (!first.TryAdd(field.Name, field.Line))
            {
                _errors.Add(field.Line, PathOf(field.Name), $"is given twice, first in line {first[field.Name]}");
            }
            else if (_unsupported.Contains(field.Name, StringComparer.Ordinal))
            {
                _errors.Add(field.Line, PathOf(field.Name), "is not supported by this version");
            }
            else if (!_known.Contains(field.Name, StringComparer.Ordinal))
            {
                _errors.Add(field.Line, PathOf(field.Name), $"unknown field; here may stand {Listed([.. _known])}");
            }
        }
    }

    private string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    private static string Listed(string[] names) => names switch
    {
        [] => "nothing",
        [var only] => only,
        [.. var most, var last] => $"{string.Join(", ", most)} or {last}",
    };
}
