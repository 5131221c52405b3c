using System.Text;
using System.Text.RegularExpressions;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// What servers there are take a target for: every combination of what some are known to do (decode once or twice, overlong UTF-8 included,
/// drop parameters, take backslashes for slashes, merge slashes, resolve dots, end at NUL, forget case and the slash at the end).
/// Written without a look at the code under test. Pure.
/// </summary>
internal static partial class PathReadings
{
    private static readonly Func<string, string>[] Habits =
    [
        Decode,
        Decode,
        path => path.Split('\0')[0],
        path => path.Replace('\\', '/'),
        path => Parameters().Replace(path, ""),
        path => Slashes().Replace(path, "/"),
        Resolve,
        path => path.Trim(),
        path => path.Length > 1 ? path.TrimEnd('/') : path,
        path => path.ToLowerInvariant(),
    ];

    /// <summary>All readings of a target as an application received it.</summary>
    public static HashSet<string> Of(string target)
    {
        var start = target.StartsWith('/') ? target : Absolute().Replace(target, "");
        start = start.Length == 0 ? "/" : start;
        HashSet<string> readings = [start.Split('?', '#')[0], start.Split('?')[0]];
        foreach (var habit in Habits)
        {
            readings.UnionWith(readings.Select(habit).ToList());
        }

        return readings;
    }

    private static string Decode(string path) => Encoded().Replace(path.Replace("%c0%ae", ".", StringComparison.OrdinalIgnoreCase)
            .Replace("%c0%af", "/", StringComparison.OrdinalIgnoreCase).Replace("%e0%80%af", "/", StringComparison.OrdinalIgnoreCase)
            .Replace("%c1%a1", "a", StringComparison.OrdinalIgnoreCase), m => ((char)Convert.ToByte(m.Groups[1].Value, 16)).ToString());

    private static string Resolve(string path)
    {
        var kept = new List<string>();
        foreach (var segment in path.Split('/').Skip(1))
        {
            if (segment == "..")
            {
                kept = [.. kept.SkipLast(1)];
            }
            else if (segment != ".")
            {
                kept.Add(segment);
            }
        }

        return new StringBuilder("/").AppendJoin('/', kept).ToString();
    }

    [GeneratedRegex("%([0-9a-fA-F]{2})")]
    private static partial Regex Encoded();

    [GeneratedRegex(";[^/]*")]
    private static partial Regex Parameters();

    [GeneratedRegex("/+")]
    private static partial Regex Slashes();

    [GeneratedRegex("^[a-zA-Z]+:/*[^/?#]*")]
    private static partial Regex Absolute();
}
