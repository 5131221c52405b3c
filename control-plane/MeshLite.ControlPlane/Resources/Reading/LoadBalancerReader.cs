using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a TrafficPolicy's <c>loadBalancer</c>. Pure.</summary>
internal static class LoadBalancerReader
{
    private static readonly TimeSpan MaxSlowStart = TimeSpan.FromHours(1);

    /// <summary>Reads it.</summary>
    public static LoadBalancerConfig Read(FieldReader balancer)
    {
        var byDefault = new LoadBalancerConfig();
        var type = balancer.OneOf<LoadBalancerType>("type") ?? byDefault.Type;
        var key = balancer.Object("hashOn", ReadKey);
        var slowStart = balancer.Duration("slowStart", TimeSpan.Zero, MaxSlowStart) ?? byDefault.SlowStart;
        if (type != LoadBalancerType.RingHash && balancer.Has("hashOn"))
        {
            balancer.Error("hashOn", $"is for RingHash; {type} does not hash");
        }

        if (type == LoadBalancerType.RingHash && slowStart > TimeSpan.Zero)
        {
            balancer.Error("slowStart", "is not for RingHash: a share that grows would move keys all the while");
        }

        return new LoadBalancerConfig { Type = type, HashOn = key ?? byDefault.HashOn, SlowStart = slowStart };
    }

    private static HashKeyConfig ReadKey(FieldReader key)
    {
        key.RequireOneOf("header", "cookie", "source");
        key.True("source");
        var header = key.Text("header", Check.HeaderName);
        var cookie = key.Text("cookie", Check.CookieName);
        return header is not null ? new HashKeyConfig(HashKeyType.Header, header)
            : cookie is not null ? new HashKeyConfig(HashKeyType.Cookie, cookie)
            : new HashKeyConfig(HashKeyType.Source, "");
    }
}
