using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

public sealed class GrpcMetadataTests
{
    [Theory]
    [InlineData("", "v")]
    [InlineData("Upper", "v")]
    [InlineData("a b", "v")]
    [InlineData("grpc-timeout", "1S")]
    [InlineData("te", "v")]
    [InlineData("x-bin", "v")]
    [InlineData("x", "line\nbreak")]
    [InlineData("x", "ü")]
    public void Add_WhatTheProtocolCannotCarry_Throws(string name, string value) =>
        Should.Throw<ArgumentException>(() => new GrpcMetadata { { name, value } });

    [Fact]
    public void Add_BytesUnderTextName_Throws() => Should.Throw<ArgumentException>(() => new GrpcMetadata().Add("x", new byte[] { 1 }));

    [Theory]
    [InlineData("AP8=", "00ff")]
    [InlineData("AP8", "00ff")]
    [InlineData("AP8,AQI=", "00ff")]
    [InlineData("", "")]
    public void DecodeBytes_WithAndWithoutPadding_Reads(string text, string hex) => GrpcMetadata.DecodeBytes(text).ShouldBe(Convert.FromHexString(hex));

    [Theory]
    [InlineData(null)]
    [InlineData("A")]
    [InlineData("*")]
    public void DecodeBytes_NoBase64_IsNull(string? text) => GrpcMetadata.DecodeBytes(text).ShouldBeNull();
}
