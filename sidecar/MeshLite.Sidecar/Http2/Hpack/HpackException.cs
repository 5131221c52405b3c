namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>A header block that cannot be decoded: the connection's end, COMPRESSION_ERROR (RFC 9113 §4.3).</summary>
internal sealed class HpackException(string message) : Exception(message);
