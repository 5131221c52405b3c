using System.Text.RegularExpressions;
using Google.Protobuf.WellKnownTypes;
using MeshLite.Model;

namespace MeshLite.Protocol.Mapping;

/// <summary>Checks of single received fields; each throws <see cref="FormatException"/> naming the field. Pure.</summary>
internal static class Field
{
    /// <summary>Gateway API's largest weight; sums of weights stay far from overflow.</summary>
    private const uint MaxWeight = 1_000_000;

    private const uint MaxCount = 1_000_000;

    public static FormatException Bad(string field, string reason) => new($"{field}: {reason}");

    public static int Index(uint value, int count, string field) =>
        value < count ? (int)value : throw Bad(field, $"{value} is not below {count}");

    public static int Port(uint value, string field, bool optional = false) =>
        value <= ushort.MaxValue && (optional || value > 0) ? (int)value : throw Bad(field, $"{value} is no port");

    public static int Weight(uint value, string field) =>
        value <= MaxWeight ? (int)value : throw Bad(field, $"{value} is over {MaxWeight}");

    /// <summary>A number of things; 1,000,000 is more than any setting may be.</summary>
    public static int Count(uint value, uint min, string field) =>
        value >= min && value <= MaxCount ? (int)value : throw Bad(field, $"{value} is not from {min} to {MaxCount}");

    public static double Percent(double value, string field) =>
        value is >= 0 and <= 100 ? value : throw Bad(field, $"{value} is no percentage");

    public static double Ratio(double value, string field) =>
        value is >= 0 and <= 1 ? value : throw Bad(field, $"{value} is not from 0 to 1");

    public static int Status(uint value, string field) =>
        value is >= 200 and <= 599 ? (int)value : throw Bad(field, $"{value} is no status of a response");

    /// <summary>A stretch of time things are counted over, or a circuit stays open: there, and not 0.</summary>
    public static TimeSpan Span(Duration? value, string field) =>
        Duration(value, TimeSpan.Zero, field) is var span && span > TimeSpan.Zero ? span : throw Bad(field, "missing or 0");

    public static TimeSpan Duration(Duration? value, TimeSpan absent, string field) => value is null ? absent : Duration(value, field);

    public static SpiffeId SpiffeId(string value, string field) =>
        Model.SpiffeId.TryParse(value, out var id) ? id : throw Bad(field, $"'{value}' is no workload's SPIFFE ID");

    public static string Segment(string value, string field) =>
        Model.SpiffeId.IsSegment(value) ? value : throw Bad(field, $"'{value}' is no name (RFC 1123)");

    /// <summary>The model's enums have the values of the contract's; a value neither knows is refused.</summary>
    public static T Enum<T>(System.Enum value, string field)
        where T : struct, System.Enum
    {
        var result = (T)System.Enum.ToObject(typeof(T), value);
        return System.Enum.IsDefined(result) ? result : throw Bad(field, $"unknown value {value:D}");
    }

    /// <summary>At most the 10,000 years of <c>duration.proto</c>; fractions below 100 ns are dropped.</summary>
    public static TimeSpan Duration(Duration value, string field) =>
        value is { Seconds: >= 0 and <= 315_576_000_000, Nanos: >= 0 and <= 999_999_999 }
            ? TimeSpan.FromTicks((value.Seconds * TimeSpan.TicksPerSecond) + (value.Nanos / TimeSpan.NanosecondsPerTick))
            : throw Bad(field, $"{value.Seconds} s {value.Nanos} ns is no duration of at least 0");

    /// <summary>RFC 9110 §5.6.2 token.</summary>
    public static string Token(string value, string field) =>
        value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c))
            ? value : throw Bad(field, $"'{value}' is no token (RFC 9110)");

    /// <summary>A header's value cannot smuggle another header.</summary>
    public static string HeaderValue(string value, string field) =>
        value.AsSpan().ContainsAny('\r', '\n', '\0') ? throw Bad(field, "CR, LF or NUL in a header value") : value;

    public static string Regex(string value, string field)
    {
        try
        {
            _ = new Regex(@"\A(?:" + value + @")\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return value;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"{field}: '{value}' is no non-backtracking regular expression: {e.Message}", e);
        }
    }
}
