using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace MeshLite.ControlPlane.Resources.Cluster;

/// <summary>Names an EndpointSlice.</summary>
public readonly record struct SliceKey(string Namespace, string Name);

/// <summary>A TCP port of a slice: the name it has in the Service, and its number in the application.</summary>
public readonly record struct SlicePort(string Name, int Port);

/// <summary>One endpoint of a slice, whatever the port.</summary>
/// <param name="Address">Its first address; all are the same place (discovery.k8s.io/v1).</param>
/// <param name="Ready">Takes new calls.</param>
/// <param name="Serving">Answers, terminating or not.</param>
/// <param name="Terminating">About to go.</param>
/// <param name="Pod">The Pod it is; null: a place outside, or one whose slice somebody writes by hand.</param>
public readonly record struct SliceEndpoint(IPAddress Address, bool Ready, bool Serving, bool Terminating, PodKey? Pod);

/// <summary>Some of the endpoints of a Service (discovery.k8s.io/v1 EndpointSlice). Immutable.</summary>
public sealed record EndpointSliceResource
{
    /// <summary>Which.</summary>
    public required SliceKey Key { get; init; }

    /// <summary>Label <c>kubernetes.io/service-name</c>.</summary>
    public required ServiceKey Service { get; init; }

    /// <summary><c>addressType</c>: a Service of two families has slices of each.</summary>
    public AddressFamily Family { get; init; } = AddressFamily.InterNetwork;

    /// <summary>Its TCP ports.</summary>
    public ImmutableArray<SlicePort> Ports { get; init; } = [];

    /// <summary>Its endpoints, in the API server's order.</summary>
    public ImmutableArray<SliceEndpoint> Endpoints { get; init; } = [];

    /// <summary>The Pods among its endpoints.</summary>
    public IEnumerable<PodKey> Pods => Endpoints.Where(e => e.Pod is not null).Select(e => e.Pod!.Value);

    /// <summary>Equal in everything the mesh goes by.</summary>
    public bool SameAs(EndpointSliceResource? other) =>
        other is not null && Key == other.Key && HasSamePorts(other) && Endpoints.AsSpan().SequenceEqual(other.Endpoints.AsSpan());

    /// <summary>Serves the same ports of the same Service.</summary>
    public bool HasSamePorts(EndpointSliceResource other) =>
        Service == other.Service && Family == other.Family && Ports.AsSpan().SequenceEqual(other.Ports.AsSpan());

    /// <summary>Holds the same Pods in the same places: then, at most, conditions differ.</summary>
    public bool HasSamePods(EndpointSliceResource other)
    {
        if (Endpoints.Length != other.Endpoints.Length)
        {
            return false;
        }

        for (var i = 0; i < Endpoints.Length; i++)
        {
            if (Endpoints[i].Pod != other.Endpoints[i].Pod)
            {
                return false;
            }
        }

        return true;
    }
}
