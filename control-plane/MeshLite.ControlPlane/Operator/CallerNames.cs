using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Operator;

/// <summary>Who a caller without certificate is, by its address as the index knows it now. An address proves nothing: this is for people. Pure.</summary>
internal static class CallerNames
{
    /// <summary>The call, with its caller's name.</summary>
    public static PlaintextCall Describe(IndexView view, PlaintextCount count)
    {
        var (name, ns) = Find(view, count.Address);
        return new PlaintextCall
        {
            Address = count.Address.ToString(), Caller = name, CallerNamespace = ns, Connections = (ulong)count.Connections, Refused = (ulong)count.Refused, Last = count.Last,
        };
    }

    private static (string Name, string Namespace) Find(IndexView view, IPAddress address)
    {
        if (IPAddress.IsLoopback(address))
        {
            return ("on the workload's own machine", "");
        }

        if (view.Cluster.PodsAt.TryGetValue(address, out var keys) && keys.Select(key => view.Cluster.Pods[key]).ToList() is { Count: > 0 } pods)
        {
            // Pods that share their node's address cannot be told apart, nor from the kubelet.
            return pods.Exists(p => p.HostNetwork) || pods.Count > 1
                ? ($"a node, or one of {pods.Count} pods on its network", "")
                : ($"pod {pods[0].Key}{(pods[0].InMesh ? "" : " (no sidecar)")}", pods[0].Key.Namespace);
        }

        return view.RegisteredAt(address).FirstOrDefault() is { } workload ? ($"workload {workload.Key.Namespace}/{workload.Key.Name}", workload.Key.Namespace) : ("", "");
    }
}
