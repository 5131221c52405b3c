using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Compiles expressions written by users: non-backtracking, so the time to match grows with the length of the input only,
/// and anchored at both ends, so that <c>/a|/b</c> means one or the other and not "begins or ends with".
/// </summary>
internal static class UserRegex
{
    /// <summary>False, with a plain reason: not an expression, or one that needs backtracking (look-around, back references).</summary>
    public static bool TryCompile(string pattern, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? problem)
    {
        try
        {
            // \z, not $: the latter also matches before a line break at the end.
            regex = new Regex($@"\A(?:{pattern})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            problem = null;
            return true;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            regex = null;
            problem = $"expression '{pattern}' cannot be used: {e.Message}";
            return false;
        }
    }
}
