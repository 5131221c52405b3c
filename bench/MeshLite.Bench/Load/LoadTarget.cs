namespace MeshLite.Bench.Load;

/// <summary>What a load generator asks for.</summary>
/// <param name="Address">Scheme, host, port and path.</param>
/// <param name="Host">What requests name as their host.</param>
/// <param name="BodyBytes">Of each answer; for gRPC of each message, there and back.</param>
internal readonly record struct LoadTarget(Uri Address, string Host, int BodyBytes);
