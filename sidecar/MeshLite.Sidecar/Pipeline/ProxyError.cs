namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// A failure of the mesh, as a value: why, whose fault, and whether the request is certain not to have reached
/// an application (<paramref name="Undelivered"/>), which alone makes it safe to send again whatever its method.
/// <paramref name="Detail"/> is the plain sentence callers read: no secrets, no addresses of third parties.
/// </summary>
internal sealed record ProxyError(ErrorReason Reason, ErrorSource Source, string Detail, bool Undelivered = false);
