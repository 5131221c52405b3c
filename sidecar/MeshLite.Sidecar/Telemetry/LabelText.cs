using System.Globalization;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>Numbers and flags as label values, made once, so that no request makes strings.</summary>
internal static class LabelText
{
    /// <summary>What stands for everything that is not in a vocabulary.</summary>
    public const string Other = "_other";

    private static readonly string[] Statuses = Numbers(1000);
    private static readonly string[] GrpcStatuses = Numbers(17);

    /// <summary>Empty for 0; three digits are all HTTP has.</summary>
    public static string Status(int status) => status == 0 ? "" : (uint)status < (uint)Statuses.Length ? Statuses[status] : Other;

    /// <summary>Empty for null; 0 to 16 are all gRPC has.</summary>
    public static string GrpcStatus(int? status) =>
        status is not { } code ? "" : (uint)code < (uint)GrpcStatuses.Length ? GrpcStatuses[code] : Other;

    /// <summary>The methods of RFC 9110 and RFC 5789; callers may invent others, and labels must not follow.</summary>
    public static string Method(string method) => method switch
    {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => Other,
    };

    /// <summary><c>outbound</c> or <c>inbound</c>.</summary>
    public static string Direction(Direction direction) => direction == Telemetry.Direction.Outbound ? "outbound" : "inbound";

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public static string Flag(bool value) => value ? "true" : "false";

    private static string[] Numbers(int count)
    {
        var numbers = new string[count];
        for (var i = 0; i < count; i++)
        {
            numbers[i] = i.ToString(CultureInfo.InvariantCulture);
        }

        return numbers;
    }
}
