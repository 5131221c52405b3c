namespace MeshLite.Protocol.Grpc;

/// <summary>Header names and values of gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).</summary>
internal static class GrpcHeaders
{
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string Identity = "identity";

    /// <summary>The longest timer .NET has, some 49 days; a longer deadline is no deadline.</summary>
    public static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary><c>application/grpc</c> or <c>application/grpc+proto</c>, with or without parameters; not <c>-web</c>, not <c>+json</c>.</summary>
    public static bool IsGrpc(string? contentType)
    {
        var type = contentType.AsSpan();
        var end = type.IndexOf(';');
        type = (end < 0 ? type : type[..end]).Trim();
        return type.Equals(ContentType, StringComparison.OrdinalIgnoreCase)
            || type.Equals("application/grpc+proto", StringComparison.OrdinalIgnoreCase);
    }
}
