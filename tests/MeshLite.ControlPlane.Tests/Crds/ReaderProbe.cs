using System.Collections.Immutable;
using System.Text.RegularExpressions;
using MeshLite.ControlPlane.Resources.Reading;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>
/// What the readers take at a place of a document, learnt from them: something is written there that nobody takes, and they
/// say what they would have taken. So nothing here has to be kept in step with them.
/// </summary>
internal static partial class ReaderProbe
{
    private const string Unknown = "zz";
    private const int TooMany = 5000;

    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["a map of fields"] = "object", ["a list"] = "array", ["text"] = "string", ["a whole number"] = "integer", ["a number"] = "number", ["true"] = "boolean",
    };

    public static ScalarNode Text(string text) => new(1, ScalarKind.Text, text);

    public static ScalarNode Integer(string text) => new(1, ScalarKind.Integer, text);

    /// <summary>Names of the fields that may stand in a map; null if any may.</summary>
    public static string[]? Fields(Place map) =>
        Says(map.WithField(Unknown, Text("x")), $"{map.Path}.{Unknown}", HereMayStand()) is { } known ? Listed(known[0]) : null;

    /// <summary>Type of a field, in the words of a schema.</summary>
    public static string? TypeOf(Place map, string field) =>
        Says(map.WithField(field, new ScalarNode(1, ScalarKind.Null, "")), $"{map.Path}.{field}", MustBe()) is { } type ? Types.GetValueOrDefault(type[0]) : null;

    /// <summary>Smallest and largest number.</summary>
    public static (string Min, string Max)? Range(Place map, string field) => Pair(Says(map.WithField(field, Integer("999999999999")), $"{map.Path}.{field}", FromTo()));

    /// <summary>Shortest and longest duration; null if it is none.</summary>
    public static (string Min, string Max)? DurationRange(Place map, string field) =>
        Says(map.WithField(field, Text(Unknown)), $"{map.Path}.{field}", NoDuration()) is null ? null
        : Pair(Says(map.WithField(field, Text("99999h")), $"{map.Path}.{field}", FromTo()));

    /// <summary>Names that a text must be one of; null if others are taken.</summary>
    public static string[]? Names(Place map, string field) =>
        Says(map.WithField(field, Text(Unknown)), $"{map.Path}.{field}", NoSuchName()) is { } names ? Listed(names[0]) : null;

    /// <summary>Fewest and most items of a list.</summary>
    public static (string Min, string Max)? Size(Place map, string field) =>
        Pair(Says(map.WithField(field, new ListNode(1, [.. Enumerable.Repeat(Text("x"), TooMany)])), $"{map.Path}.{field}", Items()));

    /// <summary>What the readers say about this very place; nothing if they take what stands there.</summary>
    public static ImmutableArray<string> Complaints(Node document, string path) =>
        [.. DocumentReader.Read(document, "f.yaml", 0).Errors.Where(e => e.Field == path).Select(e => e.Message)];

    private static string[]? Says(Node document, string path, Regex words) =>
        Complaints(document, path).Select(words.Match).FirstOrDefault(m => m.Success) is { } match ? [.. match.Groups.Values.Skip(1).Select(g => g.Value)] : null;

    private static (string Min, string Max)? Pair(string[]? said) => said is null ? null : (said[0], said[1]);

    private static string[] Listed(string names) => names == "nothing" ? [] : names.Split([", ", " or "], StringSplitOptions.None);

    [GeneratedRegex(@"^unknown field; here may stand (.+)$")]
    private static partial Regex HereMayStand();

    [GeneratedRegex(@"^is nothing, must be (.+)$")]
    private static partial Regex MustBe();

    [GeneratedRegex(@"must be from (\S+) to (\S+)$")]
    private static partial Regex FromTo();

    [GeneratedRegex(@"^'zz' is not a duration")]
    private static partial Regex NoDuration();

    [GeneratedRegex(@"^is 'zz', must be (.+)$")]
    private static partial Regex NoSuchName();

    [GeneratedRegex(@"items, must have (\d+) to (\d+)$")]
    private static partial Regex Items();
}
