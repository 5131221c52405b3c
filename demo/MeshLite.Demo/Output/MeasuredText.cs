using System.Collections;
using System.Globalization;
using MeshLite.Demo.Claims;

namespace MeshLite.Demo.Output;

/// <summary>Figures as one line: <c>requests 6000, percentV2 10.02</c>. Nested ones stand in results.json only.</summary>
internal static class MeasuredText
{
    public static string Of(ClaimResult result) => string.Join(", ", result.Measured.Select(Pair).OfType<string>());

    private static string? Pair(KeyValuePair<string, object?> figure) => figure.Value switch
    {
        null or IDictionary => null,
        string text => $"{figure.Key} \"{text}\"",
        IEnumerable list => $"{figure.Key} {string.Join('/', list.Cast<object>().Select(Text))}",
        var value => $"{figure.Key} {Text(value)}",
    };

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
